place-area-and-road = {$area}, near {$road}
place-road = near {$road}
place-area = {$area}
place-near-area = near {$area}
place-outside = outside {$city}

# Why no place was found in a text
no-place-empty = There is no text to look for.
no-place-no-name = The text holds no place name that is known here.
no-place-many = “{$name}” is the name of {$bearers} places: say which district or province.
no-place-elsewhere = The only place names in the text seem to be a person's or where the reporter comes from.
no-place-closed-link = A shortened map link cannot be read without the internet: send coordinates or a pin.

# A house number on a street
house = {$number} {$street}
house-approximate = {$number} {$street} (approximate)
