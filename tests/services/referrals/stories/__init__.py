"""Random stories of people, organisations and staff, with one module per group of paths. `oracle` checks them."""
