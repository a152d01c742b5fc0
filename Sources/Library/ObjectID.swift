public import BSON
internal import Digests

/// The `_id` of a new document: the first 12 bytes of SHA-256(user), so that two runs make the same document.
public func objectID(ofUser user: ByteView) -> [UInt8] { objectID(of: user.copy()) }

/// The `_id` of a new document of any collection: the first 12 bytes of the SHA-256 of what names it.
public func objectID(of identity: [UInt8]) -> [UInt8] { Array(sha256(identity).prefix(12)) }
