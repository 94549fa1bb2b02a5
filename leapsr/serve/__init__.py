"""`leapsr serve`: a page and an API in front of the Upscaler, with a durable queue and worker processes."""
