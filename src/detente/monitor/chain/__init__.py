"""The whole chain: from continuous records to a bulletin, over a window, an archive or a live stream."""
