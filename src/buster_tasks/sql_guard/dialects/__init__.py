"""The lists of each dialect, as data: one module each, whose `DIALECT` is loaded when it is first asked for."""
