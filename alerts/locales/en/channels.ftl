# Exercises
exercise-mark = [EXERCISE]
exercise-answered = This was an exercise. Nothing was reported, and nobody is on the way. If you really need help, call 199 or 1669.
# Below what schools, hospitals and radio stations are told
subscriber-footer = { $city }, alert { $number }. You receive this because your institution asked the municipality for its alerts.
subscriber-until = It holds until { $until }, unless you hear otherwise.
subscriber-simulated = Simulated data of a demonstration city: disregard.
subscriber-withdrawn = Cancelled: { $title }
subscriber-withdrawn-body = { $city } has cancelled alert { $number }. It no longer holds.
