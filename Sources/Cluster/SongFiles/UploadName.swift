package import Foundation

/// How a song names a file that its client sends: `upload:DIGEST.ENDING|the client's own name for it`.
package enum UploadName {
    package static let scheme = "upload:"

    package static func make(digest: String, ending: String, name: String) -> String {
        "\(scheme)\(digest).\(ending)|\(name)"
    }

    /// The ending that a file keeps here: its own, or `bin` for one that has none or a strange one.
    package static func ending(of file: URL) -> String {
        let own = file.pathExtension.lowercased()
        return isValid(ending: own) ? own : "bin"
    }

    /// The client's own name for a file.
    package static func original(of reference: String) -> String {
        guard reference.hasPrefix(scheme), let bar = reference.firstIndex(of: "|") else { return reference }
        return String(reference[reference.index(after: bar)...])
    }

    /// SHA-256 of the file, in hexadecimal; nil for what is no upload's name.
    package static func digest(of reference: String) -> String? {
        guard reference.hasPrefix(scheme) else { return nil }
        return reference.dropFirst(scheme.count).split(separator: ".").first.map(String.init)
    }

    package static func isValid(ending: String) -> Bool {
        (1...16).contains(ending.count) && ending.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }
}

/// A piece of a file, as it goes between client and coordinator.
package enum FilePiece {
    /// Bytes, well under the limit of a message.
    package static let size = 48 << 10
}
