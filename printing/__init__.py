"""The booklet page and its proof: MRZ, signed 2D code, page layout; pure, without models or session."""
