"""Keeps the processes of a member running: starts them in order, waits until each is ready, restarts what dies."""
