# Map pictures
picture-caption = Map of the warned area, north is up
picture-simulated = SIMULATED
