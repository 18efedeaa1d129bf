"""Open ways in and out: Open311 GeoReport v2, the exchange with Traffy Fondue, the form for those without LINE."""
