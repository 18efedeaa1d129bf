place-area-and-road = {$area}, near {$road}
place-road = near {$road}
place-area = {$area}
place-near-area = near {$area}
place-outside = outside {$city}
