"""Records of services as editors wrote them, and who may read and change them."""
