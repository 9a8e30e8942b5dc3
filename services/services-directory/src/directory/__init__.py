"""The directory: services, their places and the people they help, and the pathways over them."""
