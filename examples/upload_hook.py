"""A service that takes pictures, and refuses copies of those that it has.

$ uvicorn --factory examples.upload_hook:service       # with COLLECTION=photos.fp

FastAPI runs these handlers in threads, and all of them use one collection.
"""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI, HTTPException, UploadFile

import fingerprint

SURE = 0.9  # probability from which an upload is refused


def service() -> FastAPI:
    """Make the service for the collection that the environment names."""
    folder = Path(os.environ.get("COLLECTION", "uploads.fp"))
    opened = fingerprint.open_collection(folder) if folder.exists() else fingerprint.create_collection(folder)
    return make_service(opened)


def make_service(collection: fingerprint.Collection) -> FastAPI:
    """Make the service for an open collection."""
    app = FastAPI()

    @app.post("/pictures/{picture_id}")
    def upload(picture_id: str, picture: UploadFile) -> dict[str, object]:  # no async: it runs in a thread
        data = picture.file.read()
        try:
            matches = collection.search(data, n_results=1, min_probability=SURE)
        except fingerprint.ImageError as error:
            raise HTTPException(422, error.reason) from error
        if matches:
            best = matches[0]
            raise HTTPException(409, {"copy_of": best.reference_id, "probability": round(best.probability, 3)})
        collection.add(picture_id, data)
        return {"added": picture_id, "pictures": len(collection)}

    return app
