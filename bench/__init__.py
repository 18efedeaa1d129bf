"""Performance claims, each measured against its peer in the same run; `faonam bench --list` names them."""
