"""OGC SensorThings API 1.1 (OGC 18-088): its questions parsed, answered from the tables of sensors, and its writes."""
