"""Files that came with an entry."""

from contact_center.model.acts import Act
from contact_center.model.messages import InboundFile
from contact_center.model.tickets import Attachment
from contact_center.store import Connection, blobs
from contact_center.store.repositories import timeline


def attach(connection: Connection, act: Act, entry_id: int, file: InboundFile) -> Attachment:
    """Keep a file that came with an entry."""
    # Larger contents were put into files before this unit began.
    blobs.put(connection, file.sha256, file.size, file.content if file.size <= blobs.INLINE_LIMIT else None)
    return timeline.add_attachment(
        connection,
        interaction_id=entry_id,
        sha256=file.sha256,
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        content_id=file.content_id,
        inline=file.inline,
        created_at=act.now,
    )
