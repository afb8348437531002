"""How exact reconstructed meshes are, and what poses they give."""
