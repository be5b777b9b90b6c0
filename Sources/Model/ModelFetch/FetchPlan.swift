import Foundation
import JukeboxModel

/// The files of a model, its licence, and its geometry where the files do not say it.
package struct FetchPlan: Sendable {
    /// For people.
    package let name: String
    /// The licence's text; nil where the source has none.
    package let licence: String?
    /// Where the licence is, or what the source says of it.
    package let licencePlace: String
    /// The content of the `hparams.json` that is written where the source has none.
    let geometry: Data?
    let files: [RemoteFile]

    /// The names of the files.
    package var names: [String] { files.map(\.name) }

    private static let smallest = 1 << 20

    /// Asks the source what there is.
    ///
    /// - Parameter base: of a mirror.
    /// - Throws: `FetchError`.
    package init(_ source: ModelSource, base: String?, client: WebClient) throws {
        let root = try WebAddress(base ?? source.standardBase)
        switch source {
        case .published(let name): try self.init(published: name, root, isMirror: base != nil, client)
        case .huggingFace(let owner, let repository):
            try self.init(repository: "\(owner)/\(repository)", root, client)
        case .folder: try self.init(folder: root, client)
        }
    }

    // MARK: OpenAI's files

    /// The repository with the licence and the lists of names.
    private static let repository = "https://raw.githubusercontent.com/openai/jukebox/master"

    private init(published name: String, _ root: WebAddress, isMirror: Bool, _ client: WebClient) throws {
        self.name = name
        let repository = try isMirror ? root : WebAddress(Self.repository)
        let lists = try repository.appending(isMirror ? "ids" : "jukebox/data/ids")
        let licenceAddress = try repository.appending("LICENSE")
        licence = try client.small(licenceAddress, most: Self.smallest).map { String(decoding: $0, as: UTF8.self) }
        licencePlace = "\(licenceAddress)"
        let data = try Hyperparameters.json(preset: name)
        geometry = data
        let parts = try ["vqvae", "prior_level_0", "prior_level_1", "prior_level_2"].map { part in
            let file = "\(part).pth.tar"
            let folder = part == "prior_level_2" ? name : "5b"
            return RemoteFile(name: file, address: try root.appending("\(folder)/\(file)"), kind: .weights)
        }
        files = try parts + Self.lists(of: Hyperparameters(json: data, source: name), lists)
    }

    /// The lists of names that a model's levels use.
    private static func lists(of hyperparameters: Hyperparameters, _ folder: WebAddress) throws -> [RemoteFile] {
        let versions = Set(hyperparameters.priors.filter(\.labels).map { $0.labelsV3 ? "v3" : "v2" }).sorted()
        return try versions.flatMap { version in
            try ["artist", "genre"].map { kind in
                let name = "\(version)_\(kind)_ids.txt"
                return RemoteFile(name: name, address: try folder.appending(name), kind: .text)
            }
        }
    }

    // MARK: a folder

    private init(folder: WebAddress, _ client: WebClient) throws {
        name = folder.description.split(separator: "/").last.map(String.init) ?? folder.description
        let address = try folder.appending("hparams.json")
        guard let data = try client.small(address, most: Self.smallest) else {
            throw FetchError(
                "\(folder) has no hparams.json, by which its files are known; for Hugging Face write hf:OWNER/NAME")
        }
        geometry = Data(data)
        let hyperparameters = try Hyperparameters(json: Data(data), source: "\(address)")
        var files: [RemoteFile] = []
        for part in ["vqvae"] + hyperparameters.priors.indices.map({ "prior_level_\($0)" }) {
            guard let file = try Self.weights(part, in: folder, client) else {
                throw FetchError("\(folder) has no \(part).safetensors, .pth.tar or .pth")
            }
            files.append(file)
        }
        for list in try Self.lists(of: hyperparameters, folder) where try client.survey(list.address).isThere {
            files.append(list)
        }
        self.files = files
        let licenceAddress = try folder.appending("LICENSE")
        licence = try client.small(licenceAddress, most: Self.smallest).map { String(decoding: $0, as: UTF8.self) }
        licencePlace = licence == nil ? "\(folder) states none: ask its owner" : "\(licenceAddress)"
    }

    private static func weights(_ part: String, in folder: WebAddress, _ client: WebClient) throws -> RemoteFile? {
        for ending in ["safetensors", "pth.tar", "pth"] {
            let address = try folder.appending("\(part).\(ending)")
            if try client.survey(address).isThere {
                return RemoteFile(name: "\(part).\(ending)", address: address, kind: .weights)
            }
        }
        return nil
    }

    // MARK: Hugging Face

    private init(repository: String, _ root: WebAddress, _ client: WebClient) throws {
        name = repository
        let address = try root.appending("api/models/\(repository)?blobs=true")
        guard let data = try client.small(address, most: 16 << 20) else {
            throw FetchError("\(root) has no repository \(repository)")
        }
        let list: HuggingFaceList
        do { list = try JSONDecoder().decode(HuggingFaceList.self, from: Data(data)) } catch {
            throw FetchError("\(address) is no list of a repository's files; is \(root) a server of Hugging Face?")
        }
        geometry = nil
        let folder = try root.appending("\(repository)/resolve/\(list.revision)")
        files = try list.files(of: repository, in: folder)
        let text = try list.licenceFile.flatMap { try client.small(folder.appending($0), most: Self.smallest) }
        licence = text.map { String(decoding: $0, as: UTF8.self) }
        licencePlace =
            try list.licenceFile.map { try folder.appending($0).description } ?? list.statedLicence(root, repository)
    }
}
