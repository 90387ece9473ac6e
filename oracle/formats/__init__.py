"""The byte formats that devices and oracles exchange: strict, pure, one way to read and to write each."""
