import Foundation

/// Where a model is had, as people name it.
package enum ModelSource: Sendable, Equatable {
    /// OpenAI's: `5b`, `5b_lyrics`, `1b_lyrics`.
    case published(String)
    /// A repository of Hugging Face.
    case huggingFace(owner: String, name: String)
    /// A folder on any server, with a `hparams.json`.
    case folder(String)

    /// The models that OpenAI serves, by the original's `make_models.py` and `hparams.py`.
    package static let publishedNames = ["5b", "5b_lyrics", "1b_lyrics"]

    /// - Throws: `FetchError` for what is none of them.
    package init(_ text: String) throws {
        if Self.publishedNames.contains(text) {
            self = .published(text)
            return
        }
        let prefixes = ["hf:", "https://huggingface.co/", "https://hf.co/"]
        if let prefix = prefixes.first(where: { text.hasPrefix($0) }) {
            var words = text.dropFirst(prefix.count).split(separator: "/").map(String.init)
            if words.count > 3, words[2] == "tree" { words.removeLast(words.count - 2) }
            guard words.count == 2, words.allSatisfy(RemoteFile.isName) else {
                throw FetchError("\(text) names no repository; one is hf:OWNER/NAME")
            }
            self = .huggingFace(owner: words[0], name: words[1])
            return
        }
        guard text.contains("://") else {
            throw FetchError(
                "\(text) is no model that is known: there are \(Self.publishedNames.joined(separator: ", ")), hf:OWNER/NAME, and the "
                    + "address of a folder with a hparams.json")
        }
        _ = try WebAddress(text)
        self = .folder(text)
    }

    /// Who serves it when nobody names a mirror.
    package var standardBase: String {
        switch self {
        case .published: "https://openaipublic.azureedge.net/jukebox/models"
        case .huggingFace: "https://huggingface.co"
        case .folder(let address): address
        }
    }
}
