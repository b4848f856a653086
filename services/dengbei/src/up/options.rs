//! What `dengbei up` is asked to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dengbei_kit::ScannerAddress;
use dengbei_records::AreaCode;

use super::mesh::Pace;

/// Start everything on this machine / 在本机启动全部服务
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UpOptions {
    /// Data folder / 数据目录 [default: /var/lib/dengbei as root, else ~/.local/share/dengbei]
    #[arg(long, env = "DENGBEI_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address of the door; port 0 takes any free one / 服务地址，端口 0 为自动选择
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) http: SocketAddr,
    /// Written once every role is healthy, removed at the end / 就绪文件
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Area code of this deployment, fixed at the first start / 行政区划代码 [default: 330000]
    #[arg(long, value_name = "CODE")]
    pub(crate) area: Option<AreaCode>,
    /// A demonstration: the samples' area, short waits / 演示
    #[arg(long)]
    pub(crate) demo: bool,
    /// One process per role / 每个角色一个进程
    #[arg(long)]
    pub(crate) split: bool,
    /// How long an open pack waits for more items / 存储包等待时间（秒） [default: 900, with --demo 2]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) linger: Option<u64>,
    /// How long a filed batch waits for registration, a certified one for transfer / 登记与移交等待时间（秒） [default: 60, at most --linger; with --demo 1]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) batch_linger: Option<u64>,
    /// Every pack on every site is read again at least this often / 巡检周期（秒） [default: 604800, with --demo 30]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) inspection: Option<u64>,
    /// The virus scanner clamd, `host:port` or `unix:/path` / 杀毒服务 [default: none: nothing is scanned]
    #[arg(long, env = "DENGBEI_SCANNER", value_name = "ADDR")]
    pub(crate) scanner: Option<ScannerAddress>,
    /// Folder of checking schemes / 检测方案目录 [default: the built-in scheme alone]
    #[arg(long, env = "DENGBEI_SCHEMES", value_name = "DIR")]
    pub(crate) schemes: Option<PathBuf>,
    /// Only PostgreSQL and nats-server, for maintenance / 只启动数据库与消息服务
    #[arg(long)]
    pub(crate) no_roles: bool,
}

impl UpOptions {
    /// How long work waits for more of its kind.
    pub(crate) fn pace(&self) -> Pace {
        let filing = self.linger.unwrap_or(if self.demo { 2 } else { 900 });
        let batches = self.batch_linger.unwrap_or(if self.demo { 1 } else { filing.min(60) });
        let inspection = self.inspection.unwrap_or(if self.demo { 30 } else { 7 * 86_400 });
        Pace {
            filing: Duration::from_secs(filing),
            batches: Duration::from_secs(batches),
            inspection: Duration::from_secs(inspection),
        }
    }
}
