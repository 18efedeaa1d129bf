# What measuring stations of national networks say
outside-level-event = Water level
outside-level-4 = { $name }: high water, above 70 % of the bank
outside-level-5 = { $name }: water over the bank
outside-rain-event = Heavy rain
outside-rain = { $name }: { $rain_24h } mm in 24 hours, { $rain_1h } mm in the last hour
outside-dwr-event = Flash flood
outside-dwr-1 = { $name }: watch
outside-dwr-2 = { $name }: prepare
outside-dwr-3 = { $name }: critical
# An outside warning as a reason for an alert
outside-said = { $source }: { $headline }, issued { $time }, { $age } ago{ $wide }{ $mark }
outside-wide = , for the whole province
outside-mark-Test = , a test
outside-mark-Exercise = , an exercise
outside-mark-System = , a message about the system itself
outside-mark-Draft = , a draft
outside-age-minutes = { $count } min
outside-age-hours = { $count } h
outside-age-days = { $count } days
# What is odd about an outside warning
outside-finding-buddhist_year = Its years are of the Buddhist era and were read minus 543
outside-finding-unknown_reference = It speaks of a warning that never came here
outside-finding-no_expiry = It does not say until when it holds; it is shown for { $hours } hours
outside-finding-not_actual = It is no real warning: { $detail }
outside-finding-wide = It is for an area far larger than the city: an outline alone proposes nothing
outside-finding-no_hazard = It warns of nothing that this house alerts for
outside-finding-low_water = It speaks of low water, which is no flood
outside-finding-no_row = The city's table says nothing of it
outside-finding-no_zones = The row of the city's table names no zone that is there
outside-finding-future = It says that it was issued in the future
outside-finding-other = { $detail }
# How a source does
outside-never = Has never answered
outside-silent = Silent since { $time }
outside-works = Answered { $age } ago
outside-waits = Sends by itself; nothing came yet
outside-failing = Failing since { $time }, { $count } times; asked again at { $next }
outside-off = Switched off
