"""Station processing: filters, beams, f-k, polarisation, correlation; from samples to arrivals."""
