"""Tables of cctv."""
