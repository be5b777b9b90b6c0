/// What is wrong with an audio file, or with what was asked of it. The text begins with the file's name.
package struct AudioFileError: Error, CustomStringConvertible {
    /// The file's path, or the name that it goes by for whoever gave it.
    package let path: String
    package let reason: String

    init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}
