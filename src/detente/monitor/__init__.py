"""The signals: stations, travel times, detection capability, magnitude, screening, yield."""
