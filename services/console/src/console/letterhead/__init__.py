"""Who issues the bulletins: the country, the cluster, and the organisations with their logos."""
