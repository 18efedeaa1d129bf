# The page on which everybody follows a report by its number
public-title = Report { $number }
public-of = Follow a report · { $city }
public-simulated = Demonstration · simulated data
public-other-language = ไทย
public-now = Now
public-state-new = Received
public-state-accepted = Somebody is responsible
public-state-in_progress = Work in progress
public-state-sent_on = Sent on to another agency
public-state-done = Done
public-state-closed = Closed
public-state-rejected = Cannot be done
public-state-reopened = Opened again
public-state-other = In hand
public-where = Around
public-where-unknown = In the city
public-agency = Responsible
public-agency-none = The city's desk
public-reported = Reported
public-people = { $count ->
    [one] One person reported this
   *[other] { $count } people reported this
}
public-promise = The city's promise
public-promise-until = Done by { $at }
public-promise-late = It was to be done by { $at } · overdue
public-promise-kept = Kept (promised by { $at })
public-promise-undone = Closed without being done (promised by { $at })
public-promise-broken = Not kept: it took longer than promised (by { $at })
public-merged = Number { $asked } was joined to number { $number }: both are about the same thing
public-history = What happened
public-privacy = This page shows no name, words, picture or exact place of anybody who reported.
public-map = See all reports of the city
public-report = Report something
public-unknown-title = Nothing that is public
public-unknown = There is no report with this number, or it is not public. Check the number. If you reported it on LINE, write "สถานะ" in the city's chat.
public-emergency = Somebody is in danger? Call now
follow = Follow it: { $url }

# What the open data are
opendata-title = Incidents that residents reported to the city
opendata-about = Public incidents with their state, agency and promise. Places are the middles of grid cells; there are no words, pictures, names or exact places of those who reported. Times are UTC. The CSV is UTF-8 with a byte order mark.
opendata-number = Number of the incident
opendata-category = Code of the category
opendata-category-th = Category in Thai
opendata-category-en = Category in English
opendata-state = State: new accepted in_progress sent_on done closed rejected reopened
opendata-agency = Code of the agency that leads
opendata-agency-th = Agency in Thai
opendata-agency-en = Agency in English
opendata-opened-at = When it was reported first
opendata-promised-at = Until when the city promised to have it done
opendata-ended-at = When it was done or closed; empty while it goes on
opendata-is-promise-kept = Whether the promise was kept; empty while nobody knows
opendata-report-count = How often it was reported
opendata-place-th = Around where, in Thai: community or street, never a house
opendata-place-en = Around where, in English
opendata-lon = Longitude of the cell's middle, degrees WGS 84
opendata-lat = Latitude of the cell's middle, degrees WGS 84
opendata-is-coarse = Whether the wide cell is used, to protect who reported
opendata-cell-degrees = Width of the cell in degrees
