"""What is made from the API description: a Postman collection, a typed client, the errors page."""
