"""Ground and water on a grid of square cells: pure array kernels, arrays in and arrays out.

`grid` needs numpy only; `raster`, `network`, `spread` and `outline` are heavy and stay out of the API's process.
"""
