"""The generated demo city and its storm: everything here is simulated, and says so."""
