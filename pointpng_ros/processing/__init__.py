"""From a cloud message to what is published: worker, session, services, publishers."""
