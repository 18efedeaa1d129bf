# Titles of problems, as officers see them.
not-found = There is no such thing.
invalid-input = What was sent cannot be used.
field-twice = A field is there twice; one of them is meant.
conflict = It has changed since it was read, or its state does not allow this.
already-merged = This incident was merged into another: act there, or undo the merge.
forbidden = This account may not do that.
unauthenticated = Sign in first.
device-key-missing = A device signs in with its key.
device-key-unknown = This device key is not known.
unavailable = A part that this needs does not answer now.
too-many-tries = Too many tries: wait before the next one.
id-token = LINE does not say who this is.
too-many-attempts = Too many wrong passwords: wait before the next try.
setup = The machine or its configuration does not allow this.
too-large = What was sent is too large.
method-not-allowed = This address does not take that method.
http = The request could not be fulfilled.
database-down = The database does not answer now.
database-busy = Somebody else is changing the same thing.
internal = Faonam failed to do this; the failure is in the log.

# Collections of the open data.
collection-layers = Layers: where each comes from, its licence and how far to trust it
collection-areas = Areas: municipality, communities and districts
collection-roads = Streets
collection-waterways = Rivers and canals
collection-facilities = Facilities: hospitals, schools, temples, shelters and the like
collection-buildings = Buildings
collection-gauges = Gauges with their newest good level
collection-flood-polygons = Water by depth class, of every picture of the flood
collection-zones = Zones that can flood, with the newest picture's severity
collection-incidents = Reported incidents (places are approximate, nothing of who reported)
