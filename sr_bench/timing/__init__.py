"""How long inference takes: what is timed, on which machine, and the file that says so."""
