"""Webhooks: members are told of what is final, by signed messages (Standard Webhooks) that outlive restarts."""
