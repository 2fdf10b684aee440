"""Security headers of every answer: nothing from elsewhere, nothing inline, nothing kept by caches."""

from flask import Flask, Response, request

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'self'; frame-src 'self'; object-src 'self'; "
    "base-uri 'none'"
)
#: What no page of ours asks a browser for.
FEATURES = (
    "accelerometer autoplay camera display-capture encrypted-media geolocation gyroscope hid magnetometer microphone"
    " midi payment picture-in-picture publickey-credentials-get serial usb xr-spatial-tracking"
).split()
PERMISSIONS = ", ".join(f"{feature}=()" for feature in FEATURES)


def install(app: Flask) -> None:
    """Add the headers to every response."""
    app.after_request(add)


def add(response: Response) -> Response:
    """What a browser must not do with our pages."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    headers.setdefault("X-Permitted-Cross-Domain-Policies", "none")
    if "static" not in (request.endpoint or ""):
        headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
