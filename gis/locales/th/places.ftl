place-area-and-road = {$area} ใกล้{$road}
place-road = ใกล้{$road}
place-area = {$area}
place-near-area = ใกล้{$area}
place-outside = นอกเขต{$city}
