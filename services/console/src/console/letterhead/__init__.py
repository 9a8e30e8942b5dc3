"""Who issues the bulletins: country, cluster, organisations with their logos."""
