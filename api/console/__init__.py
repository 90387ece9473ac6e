"""The console: pages made on the server that work without scripts, in English and Simplified Chinese."""
