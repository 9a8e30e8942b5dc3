"""Reading a case of another organisation in an emergency: asked for with a reason, decided, told."""
