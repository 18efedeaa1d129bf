# How a feed does.
feed-standing-never = Has never answered
feed-standing-good = Answers in time
feed-standing-late = Late: it should have answered by now
feed-standing-lost = Lost: no answer for three intervals
feed-success-now = Last success: just now
feed-success-minutes = { $count ->
    [one] Last success: 1 minute ago
   *[other] Last success: {$count} minutes ago
}
feed-success-hours = Last success: {$count} hours ago
feed-success-days = Last success: {$count} days ago
feed-lag-now = Its newest reading is of this minute
feed-lag-minutes = { $count ->
    [one] Its newest reading is 1 minute old
   *[other] Its newest reading is {$count} minutes old
}
feed-lag-hours = Its newest reading is {$count} hours old
feed-lag-days = Its newest reading is {$count} days old
feed-ahead-now = Its newest reading is of this minute
feed-ahead-minutes = { $count ->
    [one] Its clock is 1 minute ahead
   *[other] Its clock is {$count} minutes ahead
}
feed-ahead-hours = Its clock is {$count} hours ahead
feed-ahead-days = Its clock is {$count} days ahead
feed-failures = { $count ->
    [one] 1 failure since
   *[other] {$count} failures in a row
}
feed-next-round = Is asked in the worker's next round, every {$seconds} seconds
feed-next-soon = Is asked again in less than a minute
feed-next-minutes = { $count ->
    [one] Is asked again in about 1 minute
   *[other] Is asked again in about {$count} minutes
}
feed-next-hours = Is asked again in about {$count} hours
feed-next-days = Is asked again in about {$count} days
feed-missed-minutes = { $count ->
    [one] Should have been asked 1 minute ago: the worker is not running, or behind
   *[other] Should have been asked {$count} minutes ago: the worker is not running, or behind
}
feed-missed-hours = Should have been asked {$count} hours ago: the worker is not running, or behind
feed-missed-days = Should have been asked {$count} days ago: the worker is not running, or behind
# Why a feed could not be read.
feed-error-timeout = The source did not answer in time
feed-error-unreachable = The source cannot be reached
feed-error-http-status = The source answered with an error
feed-error-sign-in = The source does not accept our key
feed-error-busy = The source asks us to wait
feed-error-other = Something went wrong that has no words yet; see the log
# Why something that a source sent is no reading.
feed-error-too-large = The answer is too large
feed-error-html = The source answered with a web page instead of data
feed-error-not-json = The answer is not JSON
feed-error-too-deep = The answer is nested too deeply
feed-error-not-an-object = A row has the wrong form
feed-error-malformed = A field is missing or malformed
feed-error-not-a-number = A value is not a number
feed-error-infinite = A value is infinite
feed-error-ambiguous-value = Several values differ for the same time
feed-error-bad-time = A time cannot be read
feed-error-no-time = A row has no time
feed-error-no-time-zone = A time has no time zone
feed-error-ambiguous-date = It is not declared whether the day or the month comes first
feed-error-out-of-order = Rows are not in order of time
feed-error-no-unit = A value has no unit
feed-error-wrong-unit = A value is in another unit than declared
feed-error-unknown-stream = Values of a series that is not set up here
feed-error-no-reading = A message carries no reading
feed-error-no-decoder = No decoder is set up for this device
feed-error-undecodable = The bytes of a device cannot be decoded
feed-error-not-an-uplink = A message that carries no measurement
feed-error-simulated = A simulated message, not a measurement
feed-error-refused-by-source = The source says that it has no data for this request
feed-error-empty = The source answered without any data
feed-error-unknown-letters = The file is neither UTF-8 nor TIS-620
feed-error-not-a-table = The file has no column of times or values
feed-error-redirected = The source leads to another address; check the one declared
feed-error-broken-answer = The answer is cut off or damaged
feed-error-forbidden-address = The source's address is an internal one that is not allowed
feed-error-untrusted = The source cannot prove who it is; a certificate of its chain may be missing
feed-error-no-secret = The secret for this source is not set on this machine
feed-error-unknown-datastream = There is no such datastream as declared
feed-error-conflicting-value = Another value is already stored for this time
feed-error-missing-after-value = A value is stored for this time, and what is sent now has none
feed-error-value-after-missing = This time is stored without a value, and a value is sent now
feed-error-future-time = A time is more than 15 minutes ahead of the clock
feed-error-too-old = A reading is more than 30 days old
feed-error-replayed = An old message of a device was played again and is refused
feed-error-impossible-counter = The frame counter of a device is impossible
feed-error-wrong-key = The key is not that of this feed
feed-error-unknown-feed = No feed claims this MQTT topic
feed-switched-off = Switched off: nothing is taken from this source
feeds-none = There are no feeds yet. Declare some with: faonam feeds add FILE, or in a layer of the city pack
