"""Tables from and for people's programs: the guards that every such file passes, in and out."""
