raster-terrain = Height of the bare ground
raster-hand = Height above the nearest drain: how far the ground lies over the first stream that its water reaches
raster-hand-note = Made of the terrain alone; holes in it count as water that takes the flow away. On flat land it is no flood map.
raster-depth = Depth of the water
