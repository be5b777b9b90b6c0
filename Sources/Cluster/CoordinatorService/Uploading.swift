import ClusterProtocol
import Foundation
import SongFiles
import Synchronization
import SystemErrors

/// What became of a piece of an upload.
struct UploadResult: Sendable {
    let asker: Asker
    /// Of the request.
    let number: UInt64
    let digest: String
    let reply: ClientReply
    /// Whether all of the file is there, or it was refused.
    let isEnd: Bool
}

/// Files on their way in: written on one thread, and hashed on another when all of one is there, so that neither the loop
/// nor other files wait for gigabytes.
extension BackgroundWork {
    private static let mostWaiting = 256

    /// Takes a piece; its answer follows.
    ///
    /// - Throws: `SongError` when too many wait.
    func add(_ piece: UploadPiece, number: UInt64, from asker: Asker) throws {
        guard waitingPieces.load(ordering: .relaxed) < Self.mostWaiting else {
            throw SongError("too many pieces of files wait to be written; send it again later", .busy)
        }
        waitingPieces.add(1, ordering: .relaxed)
        add(.receiving) { [self] in
            defer { waitingPieces.subtract(1, ordering: .relaxed) }
            post(piece, number, asker) {
                let (have, isAll) = try uploads.write(piece)
                return isAll ? nil : have
            }
        }
    }

    private func post(
        _ piece: UploadPiece, _ number: UInt64, _ asker: Asker, _ body: () throws -> UInt64?
    ) {
        let (reply, isEnd): (ClientReply, Bool)
        do {
            guard let have = try body() else {
                return add(.hashing) { [self] in
                    post(piece, number, asker) {
                        try uploads.complete(piece)
                        return piece.size
                    }
                }
            }
            (reply, isEnd) = (.uploaded(have), have >= piece.size)
        } catch {
            (reply, isEnd) = (.refused(error), true)
        }
        completions.post(
            .uploaded(
                UploadResult(asker: asker, number: number, digest: piece.digest, reply: reply, isEnd: isEnd)))
    }
}
