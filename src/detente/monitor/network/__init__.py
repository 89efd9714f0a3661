"""Network processing: phases, association, location, relative location; from arrivals to origins."""
