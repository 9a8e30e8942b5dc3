"""How 5W files of another layout are read: proposed, completed, confirmed."""
