"""Networks of real validators on this machine, to measure on and to test with."""
