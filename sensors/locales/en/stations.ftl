# How stations, what they measure and with what are described to clients of SensorThings.
station-gauge = Water level gauge { $code }
station-camera = Camera that reads the water level { $code }
station-rain = Rain gauge { $code }
sensor-gauge = Water level gauge
sensor-camera = Camera that reads a staff
sensor-rain = Rain gauge
property-water-level = Water level
property-water-level-what = Height of the water's surface above mean sea level
property-rainfall = Rainfall
property-rainfall-what = Depth of rain in one interval
stream-water-level = Water level at { $name }
stream-rainfall = Rainfall at { $name }
unit-m = metre
unit-mm = millimetre
