# Why a row was refused.
refused-unknown-datastream = No station of this code is set up here
refused-wrong-unit = In another unit than its station's
refused-no-time-zone = Its time has no time zone
refused-future-time = Its time was more than 15 minutes ahead
refused-too-old = Its time was more than 30 days ago
refused-conflicting-value = Another value is stored for the same time
refused-missing-after-value = It has no value, and a value is stored for the same time
refused-value-after-missing = It has a value, and the same time is stored without one
refused-wrong-key = It came without the key of its station
refused-too-large = Larger than a message may be
refused-not-json = It cannot be read as JSON
refused-not-an-object = It is no reading, but something else
refused-malformed = A field is missing or cannot be read
refused-not-allowed = SensorThings messages are not taken here
refused-no-such-topic = No Observations can be published on its topic
refused-unstorable = The database could not take it
refused-other = Refused for a reason that has no words yet
