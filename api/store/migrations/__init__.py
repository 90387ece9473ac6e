"""Migrations of the API's database."""
