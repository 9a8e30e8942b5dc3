"""The directory: services, their locations and the people they help, and the pathways that connect them."""
