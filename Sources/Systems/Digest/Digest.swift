import CSodium

/// Hashes from libsodium (which libzmq already needs): BLAKE2b for our own identities, SHA-256 for files.
package enum Digest {
    /// BLAKE2b of some bytes, fed in pieces, as a fingerprint.
    package struct Stream: ~Copyable {
        private let state: UnsafeMutableRawPointer

        package init() {
            state = .allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
            crypto_generichash_init(OpaquePointer(state), nil, 0, Digest.length)
        }

        deinit { state.deallocate() }

        package func update(_ bytes: UnsafeRawBufferPointer) {
            guard let base = bytes.baseAddress else { return }
            crypto_generichash_update(
                OpaquePointer(state), base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
        }

        package func update(_ text: String) {
            var text = text
            text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
            // A separator, so that ("ab", "c") and ("a", "bc") differ.
            withUnsafeBytes(of: UInt8(0)) { update($0) }
        }

        /// The 32 bytes as 64 hexadecimal characters. Call once.
        package func finish() -> String { Digest.hexadecimal(finishBytes()) }

        package func finishBytes() -> [UInt8] {
            var digest = [UInt8](repeating: 0, count: Digest.length)
            crypto_generichash_final(OpaquePointer(state), &digest, Digest.length)
            return digest
        }
    }

    private static let length = 32

    /// BLAKE2b of some bytes, as a fingerprint.
    package static func fingerprint(_ bytes: UnsafeRawBufferPointer) -> String {
        let stream = Stream()
        stream.update(bytes)
        return stream.finish()
    }

    /// The first 8 bytes of BLAKE2b, as a number: enough against accidents, not against an enemy.
    package static func short(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let stream = Stream()
        stream.update(bytes)
        return stream.finishBytes().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// SHA-256 as 64 hexadecimal characters.
    package static func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
        var digest = [UInt8](repeating: 0, count: crypto_hash_sha256_bytes())
        crypto_hash_sha256(&digest, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
        return hexadecimal(digest)
    }

    /// SHA-256 of some bytes, fed in pieces.
    package struct SHA256Stream: ~Copyable {
        private let state: UnsafeMutablePointer<crypto_hash_sha256_state>

        package init() {
            state = .allocate(capacity: 1)
            crypto_hash_sha256_init(state)
        }

        deinit { state.deallocate() }

        package func update(_ bytes: UnsafeRawBufferPointer) {
            crypto_hash_sha256_update(
                state, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
        }

        /// The 32 bytes as 64 hexadecimal characters. Call once.
        package func finish() -> String {
            var digest = [UInt8](repeating: 0, count: crypto_hash_sha256_bytes())
            crypto_hash_sha256_final(state, &digest)
            return Digest.hexadecimal(digest)
        }
    }
}
